/* Runs before the first paint, so that the page never flashes in the wrong theme or row height. */
(function () {
  const root = document.documentElement;
  for (const name of ["theme", "density", "tz"]) {
    try { const value = localStorage.getItem("ec2mon." + name); if (value) root.dataset[name] = value; } catch { /* private window */ }
  }
})();
