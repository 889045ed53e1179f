// Comforts only: every page works without this file.
"use strict";

const field = document.getElementById("q");

// "/" goes to the search field, unless somebody is writing.
document.addEventListener("keydown", (event) => {
  const writing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || writing || !field) return;
  event.preventDefault();
  field.focus();
  field.select();
});

// A button to copy each command.
for (const box of document.querySelectorAll(".command")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy: " + box.querySelector("pre").getAttribute("aria-label"));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(box.querySelector("code").textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(box.querySelector("code"));
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  box.append(button);
}

// The search page asks the API of the same host, where there is one.
const results = document.getElementById("results");
if (results) {
  const query = new URLSearchParams(location.search).get("q")?.trim() ?? "";
  field.value = query;
  if (query) search(query);
  else field.focus();
}

async function search(query) {
  const state = document.getElementById("state");
  state.textContent = "Searching…";
  document.title = query + " · " + document.title;
  try {
    const answer = await fetch(results.dataset.api + "?q=" + encodeURIComponent(query));
    if (!answer.ok) throw new Error(answer.status);
    const found = await answer.json();
    const shown = found.results.length;
    const total = found.total.toLocaleString("en");
    if (!shown) state.textContent = "Nothing found. Try fewer or other words, or browse:";
    else state.textContent = shown < found.total ? `The first ${shown} of ${total} skills` : `${total} skill${shown === 1 ? "" : "s"}`;
    document.getElementById("rows").append(...found.results.map(row));
  } catch {
    state.textContent = "Search is not available on this copy of the site, or not right now. Browse instead:";
  }
}

function row(skill) {
  const item = element("li");
  const name = element("a", skill.name || skill.slug);
  name.href = `${results.dataset.root}s/${[skill.owner, skill.repository, skill.slug].map(encodeURIComponent).join("/")}.html`;
  name.dir = "auto";
  const from = element("a", `${skill.owner}/${skill.repository}`);
  from.href = `${results.dataset.root}r/${[skill.owner, skill.repository].map(encodeURIComponent).join("/")}/`;
  const text = element("p", skill.description, "row-text");
  text.dir = "auto";
  const level = { strict: "✓ strict", loadable: "◐ loadable" }[skill.level] ?? skill.level;
  const facts = element("p", "", "row-facts");
  facts.append(
    element("span", level, `tag ${skill.level}`),
    element("span", skill.licence ?? "no licence", "licence"),
    element("span", `★ ${skill.stars.toLocaleString("en")}`, "stars"),
  );
  const head = element("p", "", "row-name");
  const place = element("span", "", "row-from");
  place.append(from);
  head.append(name, " ", place);
  item.append(head, text, facts);
  return item;
}

function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
