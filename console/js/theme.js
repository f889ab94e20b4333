// SPDX-License-Identifier: Apache-2.0
// A classic script, run before the first paint, so the page never flashes in the wrong colours. The choice is one of
// "auto" (the system's), "light" and "dark".
(() => {
  const KEY = 'modelyard.theme';
  const CHOICES = ['auto', 'light', 'dark'];

  function stored() {
    try {
      const choice = localStorage.getItem(KEY);
      return CHOICES.includes(choice) ? choice : 'auto';
    } catch {
      return 'auto';
    }
  }

  function apply(choice) {
    if (choice === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
  }

  let current = stored();
  apply(current);

  window.modelyardTheme = {
    get: () => current,
    next() {
      current = CHOICES[(CHOICES.indexOf(current) + 1) % CHOICES.length];
      apply(current);
      try {
        localStorage.setItem(KEY, current);
      } catch {
        // A browser that keeps nothing still shows the choice until the page is left.
      }
      return current;
    },
  };
})();
