// The search page: asks the index beside the pages, or else the API of the same host.
import { openIndex } from "./find.js";

const PAGE = 10;
// Files that may be read for the first results, after the one that says what is where.
const FILES = 5;
const place = document.getElementById("results").dataset;
const field = document.getElementById("q");
const list = document.getElementById("rows");
const state = document.getElementById("state");
const more = document.getElementById("more");
const title = document.title;
let index, latest, wanted = PAGE;

async function find(query, files) {
  if (place.index) {
    try {
      return await (await (index ??= openIndex(place.index)))(query, wanted, files);
    } catch (error) {
      index = undefined;
      console.warn(error);
    }
  }
  const answer = await fetch(`${place.api}?limit=${wanted}&q=${encodeURIComponent(query)}`);
  if (!answer.ok) throw new Error(answer.status);
  const { results, total, did_you_mean: better } = await answer.json();
  return { total, better, rows: results.map((one) => [one.owner, one.repository, one.slug, one.name, one.description, one.level, one.licence, one.stars]) };
}

async function show(query, files = wanted > PAGE ? Infinity : FILES) {
  latest = query;
  document.title = query ? `${query} · ${title}` : title;
  if (!query) {
    list.replaceChildren();
    state.textContent = "";
    more.hidden = true;
    return;
  }
  state.textContent = "Searching";
  try {
    const { rows, total, better } = await find(query, files);
    // Something else may have been typed since.
    if (latest !== query) return;
    list.replaceChildren(...rows.map(item));
    state.textContent = rows.length
      ? (rows.length < total ? `The first ${rows.length} of ${total.toLocaleString("en")} skills` : `${total} skill${total === 1 ? "" : "s"}`)
      : "Nothing found. Try other words or browse:";
    if (better) state.append(". Did you mean ", link(better, `?q=${encodeURIComponent(better)}`), "?");
    more.hidden = rows.length >= Math.min(total, 100);
    // The first rows are soon there; the others of the page follow.
    if (files === FILES && rows.length < Math.min(total, PAGE)) show(query, Infinity);
  } catch {
    if (latest === query) state.textContent = "Search is not available. Browse instead:";
  }
}

function item([owner, repository, slug, name, description, level, licence, stars]) {
  const way = (...names) => names.map(encodeURIComponent).join("/");
  const made = element("li");
  const named = link(name || slug, `${place.root}s/${way(owner, repository, slug)}.html`);
  named.dir = "auto";
  const head = element("p", "row-name"), from = element("span", "row-from");
  from.append(link(`${owner}/${repository}`, `${place.root}r/${way(owner, repository)}/`));
  head.append(named, " ", from);
  const text = element("p", "row-text", description);
  text.dir = "auto";
  const facts = element("p", "row-facts");
  facts.append(
    element("span", `tag ${level}`, { strict: "✓ strict", loadable: "◐ loadable" }[level] ?? level),
    element("span", "licence", licence ?? "no licence"),
    element("span", "stars", `★ ${stars.toLocaleString("en")}`),
  );
  made.append(head, text, facts);
  return made;
}

function link(text, address) {
  const made = element("a", "", text);
  made.href = address;
  return made;
}

function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

// The address always has the query, so that it can be passed on.
function asked() {
  return new URLSearchParams(location.search).get("q")?.trim() ?? "";
}

function take() {
  wanted = PAGE;
  const query = field.value.trim();
  if (query !== asked()) history.replaceState(null, "", query ? `?q=${encodeURIComponent(query)}` : location.pathname);
  if (query !== latest) show(query);
}

let pause;
field.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(take, 150);
});
field.form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(pause);
  take();
});
more.addEventListener("click", () => {
  wanted += PAGE;
  show(latest);
});

// Arrows go from the field through the results and back.
document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const stops = [field, ...list.querySelectorAll(".row-name > a")];
  const at = stops.indexOf(document.activeElement);
  if (!step || at < 0 || !stops[at + step]) return;
  event.preventDefault();
  stops[at + step].focus();
});

field.value = asked();
if (field.value) show(field.value);
else field.focus();
