"use strict";
// Filters the clauses by verdict, level and words. Without it everything is shown, and everything can be opened.
document.documentElement.classList.add("js");
const clauses = [...document.querySelectorAll("details.clause")];
const groups = [...document.querySelectorAll("section.clauses")];
const shown = document.getElementById("shown");
const words = document.getElementById("words");
const wanted = { verdict: "", level: "" };

function apply() {
  const text = words.value.trim().toLowerCase();
  let count = 0;
  for (const clause of clauses) {
    const fits = (!wanted.verdict || clause.dataset.verdict === wanted.verdict)
      && (!wanted.level || clause.dataset.level === wanted.level)
      && (!text || clause.dataset.words.includes(text) || clause.textContent.toLowerCase().includes(text));
    clause.hidden = !fits;
    count += fits;
  }
  for (const group of groups) {
    group.hidden = !group.querySelector("details.clause:not([hidden])");
  }
  shown.textContent = `${count} of ${clauses.length} clauses`;
}

for (const button of document.querySelectorAll(".filter button[data-key]")) {
  button.addEventListener("click", () => {
    wanted[button.dataset.key] = button.dataset.value;
    for (const other of document.querySelectorAll(`.filter button[data-key="${button.dataset.key}"]`)) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    apply();
  });
}
words.addEventListener("input", apply);
document.getElementById("open").addEventListener("click", () => {
  const all = clauses.filter((clause) => !clause.hidden);
  const open = all.some((clause) => !clause.open);
  for (const clause of all) clause.open = open;
});
function follow() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.matches("details")) target.open = true;
}
addEventListener("hashchange", follow);
follow();
apply();
