// Draws every [data-chart] from the specification inside it. Vega is loaded only where there is a chart to draw.
// `ast` interprets expressions instead of compiling them, which the content security policy forbids.

const OPTIONS = {
  mode: 'vega-lite',
  renderer: 'svg',
  actions: false,
  ast: true,
  defaultStyle: false,
  tooltip: { disableDefaultStyle: true },
}

let loading

function load (name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = new URL(`./vendor/${name}`, import.meta.url)
    script.onload = resolve
    script.onerror = () => reject(new Error(`${name} could not be loaded`))
    document.head.append(script)
  })
}

// Vega takes the element of this id for its tooltip. Screen readers have the table, which says the same.
function addTooltip () {
  const tooltip = document.createElement('div')
  tooltip.id = 'vg-tooltip-element'
  tooltip.className = 'vg-tooltip'
  tooltip.setAttribute('aria-hidden', 'true')
  document.body.append(tooltip)
}

async function loadVega () {
  addTooltip()
  await load('vega.js')
  await load('vega-lite.js')
  await load('vega-embed.js')
}

async function draw (figure) {
  const drawing = figure.querySelector('[data-chart-drawing]')
  const table = figure.querySelector('[data-chart-table]')
  try {
    loading ??= loadVega()
    await loading
    await window.vegaEmbed(drawing, JSON.parse(figure.querySelector('[data-chart-spec]').textContent), OPTIONS)
    table.open = false
    figure.dataset.chart = 'drawn'
  } catch (error) {
    // The table stays open and says the same.
    drawing.hidden = true
    figure.dataset.chart = 'failed'
    console.error(error)
  }
}

export function drawCharts (root) {
  for (const figure of root.querySelectorAll('[data-chart=""]')) {
    figure.dataset.chart = 'waiting'
    draw(figure)
  }
}
