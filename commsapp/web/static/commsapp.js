// What every page runs: GOV.UK's components, and charts where there are any.
import { initAll } from './vendor/govuk-frontend.js'
import { drawCharts } from './charts.js'

initAll()
drawCharts(document)

// Parts that htmx puts in may hold components and charts of their own.
document.addEventListener('htmx:after:swap', () => {
  initAll()
  drawCharts(document)
})
