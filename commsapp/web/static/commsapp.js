// What every page runs: GOV.UK's components, charts where there are any, and lists that follow a choice.
import { initAll } from './vendor/govuk-frontend.js'
import { drawCharts } from './charts.js'
import { narrowLists } from './narrowing.js'
import { preparePasskeys } from './passkeys.js'

// GOV.UK's drop zone runs its status and its button together ('No file chosenChoose files'), so that the words which are
// seen are not found in the name that is read out (WCAG 2.5.3).
function spaceDropZones () {
  for (const status of document.querySelectorAll('.govuk-file-upload-button__status')) {
    if (status.nextSibling?.nodeType !== Node.TEXT_NODE) status.after(' ')
  }
}

function prepare () {
  initAll()
  spaceDropZones()
  drawCharts(document)
  narrowLists(document)
}

prepare()
preparePasskeys(document)

// Parts that htmx puts in may hold components and charts of their own.
document.addEventListener('htmx:after:swap', prepare)
