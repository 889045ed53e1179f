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

// Asking for a repository to be read again says so in its place, without leaving the page.
for (const form of document.querySelectorAll(".reindex")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = form.querySelector("[role=status]");
    said.textContent = "Asking…";
    try {
      const answer = await fetch(form.action, { method: "POST" });
      const { next, detail, title } = await answer.json();
      said.textContent = next ?? detail ?? title;
    } catch {
      said.textContent = "This copy of the site cannot be asked.";
    }
  });
}

// Where a repository's page is: from what somebody typed or pasted.
document.getElementById("repository-form")?.addEventListener("submit", (event) => {
  const form = event.target;
  const found = /([A-Za-z0-9_-]+)\/([A-Za-z0-9._-]+?)(\.git)?\/?\s*$/.exec(form.elements.q.value);
  if (!found) return;
  event.preventDefault();
  location.assign(`${form.dataset.root}r/${found[1]}/${found[2]}/`);
});

// On the page for addresses that lead nowhere, the search box starts with the words of the address.
if (document.getElementById("not-found") && field) {
  const words = location.pathname.split(/[^A-Za-z0-9]+/).filter((word) => word && word !== "html");
  field.value = words.slice(-3).join(" ");
}
