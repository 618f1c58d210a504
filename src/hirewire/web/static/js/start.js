// Scripts are on: style sheets show what needs them.
document.documentElement.dataset.scripts = "on";
