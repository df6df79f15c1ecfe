"use strict";
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || (event.key !== "j" && event.key !== "k")) return;
  const all = [...document.querySelectorAll("section")];
  const here = all.indexOf(document.activeElement);
  const next = event.key === "j" ? here + 1 : here < 0 ? 0 : here - 1;
  all[Math.min(Math.max(next, 0), all.length - 1)].focus();
});
