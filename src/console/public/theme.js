// Runs before the first paint, so that a chosen theme does not flash the other one; no inline script is allowed.
try {
  const chosen = localStorage.getItem('cn-theme')
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
} catch {
  // Storage may be refused: then the system's preference rules.
}
