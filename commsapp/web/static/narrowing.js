// Keeps every list with [data-narrowed-by] to the group that is ticked elsewhere on the page. Where this doesn't run, the list
// has all groups under their names, and the server says when a choice doesn't fit.

function narrow (select) {
  const groups = [...select.querySelectorAll('optgroup')]
  const radios = [...select.form.elements].filter(field => field.type === 'radio' && field.name === select.dataset.narrowedBy)

  function show () {
    const ticked = radios.find(radio => radio.checked)
    const chosen = select.value
    // Taken out and not hidden, as some browsers offer hidden choices all the same.
    for (const group of groups) group.remove()
    select.append(...groups.filter(group => !ticked || group.dataset.group === ticked.value))
    select.value = chosen
    if (select.selectedIndex < 0) select.selectedIndex = 0
  }

  for (const radio of radios) radio.addEventListener('change', show)
  // A browser that comes back to the page ticks again what was ticked, and tells nobody.
  window.addEventListener('pageshow', show)
  show()
}

export function narrowLists (root) {
  for (const select of root.querySelectorAll('[data-narrowed-by]')) {
    if (select.dataset.narrowed) continue
    select.dataset.narrowed = 'true'
    narrow(select)
  }
}
