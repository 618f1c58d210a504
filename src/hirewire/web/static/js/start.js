// Scripts are enabled: style sheets show the elements that need them.
document.documentElement.dataset.scripts = "on";
