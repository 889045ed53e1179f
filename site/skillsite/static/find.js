// Searches the index beside the pages as the API searches its own; skilldata/search/browser.py says what is in it.
const utf8 = new TextDecoder();
const CAMEL = /(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/;
const UNSPACED = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u1100-\u11ff\u3130-\u318f\uac00-\ud7af\u{20000}-\u{3ffff}]+/gu;
const MOST_WORDS = 5;
const ENDINGS = 2;

export async function openIndex(pattern) {
  const kept = new Map();
  let reads = 0;
  function get(name, read) {
    if (!kept.has(name)) {
      reads += 1;
      kept.set(name, load(pattern.replace("*", name)).then(read));
      kept.get(name).catch(() => kept.delete(name));
    }
    return kept.get(name);
  }
  const root = await get("root", json);
  const stop = new Set(root.stop);
  const seen = new Map();
  let fresh = true; // the root belongs to the first query

  // The rows of the skills found, best first; how many there are; and the text with what may be a typo put right, or "".
  // Where `files` are used up, only rows that need no further ones are given, but at least three.
  async function search(text, limit = 10, files = Infinity) {
    const before = fresh ? 0 : reads;
    fresh = false;
    const { words, grams, name } = read(text, stop);
    const fixed = new Map();
    const asked = words.slice(0, MOST_WORDS).map((word, at, all) => slot(word, at === all.length - 1, fixed));
    const named = asked.length === 1 ? lookUp(name) : undefined;
    const slots = await Promise.all([...asked, ...grams.slice(0, MOST_WORDS).map(exactly)]);
    const found = ranked(slots);
    const numbers = [...new Set([...((await named)?.named ?? []), ...found])];
    const shown = [];
    for (const number of numbers.slice(0, limit)) {
      if (shown.length > 2 && reads - before >= files && !isHere(number)) break;
      shown.push(row(number));
    }
    const rows = await Promise.all(shown);
    const isNamed = (one) => joined(one[3] || one[2]) === name || joined(one[2]) === name;
    let better = text.toLowerCase();
    for (const [word, right] of fixed) better = better.replace(word, right);
    return {
      rows: [...rows.filter(isNamed), ...rows.filter((one) => !isNamed(one))],
      total: slots.length === 1 ? Math.max(slots[0].total, numbers.length) : numbers.length,
      better: fixed.size ? better : "",
    };
  }

  async function row(number) {
    return seen.get(number) ?? (await get(rowFile(number), json))[number % root.rows];
  }

  function rowFile(number) {
    return `rows-${Math.floor(number / root.rows)}`;
  }

  function isHere(number) {
    return seen.has(number) || kept.has(rowFile(number));
  }

  // The numbers of the skills that have nearly all of the words, or else half of them.
  function ranked(slots) {
    const sums = new Map();
    for (const { scores, cut } of slots)
      for (const [number, score] of scores) {
        const sum = sums.get(number) ?? [0, 0];
        sum[0] += score;
        sum[1] += cut ? 0 : 1;
        sums.set(number, sum);
      }
    // Who is not among the best of a frequent word may have it all the same.
    const cuts = slots.filter((one) => one.cut).length;
    const most = root.needed[slots.length];
    let found = [];
    for (const needed of [most, Math.min(most, Math.ceil(slots.length / 2))]) {
      found = [...sums].filter(([, sum]) => sum[1] + cuts >= needed);
      if (found.length >= root.few) break;
    }
    return found.sort((one, other) => other[1][0] - one[1][0] || one[0] - other[0]).map(([number]) => number);
  }

  // What one word stands for: itself, what it may become when it is finished, what it may be a typo of.
  async function slot(word, last, fixed) {
    let entry = await lookUp(word);
    if (last && word.length > 2 && (entry?.total ?? 0) < root.rare) {
      const longer = await Promise.all((await startingWith(word)).map(lookUp));
      if (longer.length) return best([[entry, 1], ...longer.map((one) => [one, root.prefix])]);
    }
    for (const form of entry?.total ? [] : otherForms(word)) if ((entry = await lookUp(form))?.total) break;
    if (entry?.total || word.length < root.typo) return best([[entry, 1]]);
    const meant = (await corrections(word)).slice(0, 3);
    if (meant.length) fixed.set(word, meant[0]);
    return best(await Promise.all(meant.map(async (one) => [await lookUp(one), root.correction])));
  }

  async function exactly(gram) {
    return best([[await lookUp(gram), 1]]);
  }

  // The best of several words' scores for every skill.
  function best(parts) {
    const scores = new Map();
    let cut = false, total = 0;
    for (const [entry, factor] of parts) {
      if (!entry) continue;
      for (const [number, score] of entry.scores(root.steps)) scores.set(number, Math.max(scores.get(number) ?? 0, score * factor));
      cut ||= entry.total > entry.listed;
      total = Math.max(total, entry.total);
    }
    return { scores, cut, total };
  }

  async function lookUp(word) {
    if (!word) return;
    return (await get(`words-${hash(word) % root.words}`, wordsOf)).get(word);
  }

  function wordsOf(bytes) {
    const { words, rows } = readWords(bytes);
    for (const [number, ...row] of rows) seen.set(number, row);
    return words;
  }

  // The most frequent words that begin with these letters.
  async function startingWith(letters) {
    const first = fileOf(root.known, letters);
    const files = root.known[first + 1]?.startsWith(letters) ? [first, first + 1] : [first];
    const found = (await Promise.all(files.map((number) => get(`known-${number}`, lines)))).flat();
    const longer = found.filter((line) => line.startsWith(letters) && line.length > letters.length + 1);
    return longer.sort((one, other) => other.at(-1) - one.at(-1)).slice(0, ENDINGS).map((line) => line.slice(0, -1));
  }

  async function corrections(word) {
    const turned = [...word].reverse().join("");
    const [ahead, back] = await Promise.all([
      get(`known-${fileOf(root.known, word)}`, lines),
      get(`back-${fileOf(root.back, turned)}`, lines),
    ]);
    const near = new Map();
    for (const [listed, sought] of [[ahead, word], [back, turned]])
      for (const line of listed) {
        const known = line.slice(0, -1);
        const typos = distance(sought, known, word.length < root.typos2 ? 1 : 2);
        if (typos < 3) near.set(listed === back ? [...known].reverse().join("") : known, typos * 10 - line.at(-1));
      }
    return [...near.keys()].sort((one, other) => near.get(one) - near.get(other) || (one < other ? -1 : 1));
  }

  return search;
}

async function load(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return new Uint8Array(await new Response(answer.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

function json(bytes) {
  return JSON.parse(utf8.decode(bytes));
}

function lines(bytes) {
  return utf8.decode(bytes).split("\n");
}

// A query's words in lower case without accents, pairs of characters of scripts without spaces, and it all in one.
function read(text, stop) {
  const clean = text.slice(0, 200).normalize("NFKC");
  const all = clean.replace(UNSPACED, " ").match(/[\p{L}\p{N}]+/gu) ?? [];
  const words = [...new Set(all.flatMap((word) => (all.length > 1 ? word.split(CAMEL) : [word])).map(plain))];
  const telling = words.filter((word) => !stop.has(word));
  const grams = (clean.match(UNSPACED) ?? []).flatMap((run) => {
    const letters = [...run];
    return letters.length > 1 ? letters.slice(1).map((letter, at) => letters[at] + letter) : letters;
  });
  return { words: telling.length || grams.length ? telling : words, grams, name: joined(clean) };
}

function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function joined(text) {
  return plain(text.normalize("NFKC")).replace(/[^\p{L}\p{N}]/gu, "");
}

function otherForms(word) {
  const forms = [];
  for (const ending of ["s", "es", "ed", "ing", "er", "e", "y"])
    if (word.endsWith(ending) && word.length > ending.length + 2) forms.push(word.slice(0, -ending.length));
  return forms.flatMap((form) => [form, form + "e", form.replace(/y$/, "i"), form.replace(/(.)\1$/, "$1")]);
}

function hash(word) {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(word)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

function fileOf(firsts, word) {
  let low = 0, high = firsts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (firsts[middle] <= word) low = middle;
    else high = middle;
  }
  return low;
}

function readWords(bytes) {
  let at = 0;
  const number = () => {
    let value = 0, shift = 0, byte;
    do {
      byte = bytes[at++];
      value |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    return value;
  };
  const entries = [];
  let word = "";
  for (let count = number(); count; count--) {
    const kept = number(), size = number();
    word = word.slice(0, kept) + utf8.decode(bytes.subarray(at, (at += size)));
    entries.push({ word, total: number(), listed: number(), names: number(), size: number() });
  }
  for (const entry of entries) {
    const start = at;
    const numbers = [];
    for (let left = entry.listed, last = 0; left; left--) numbers.push((last += number()));
    const levels = bytes.subarray(at, (at += entry.listed));
    entry.scores = (steps) => numbers.map((one, place) => [one, 2 ** (levels[place] / steps) / 4]);
    entry.named = Array.from({ length: entry.names }, number);
    at = start + entry.size;
  }
  return { words: new Map(entries.map((entry) => [entry.word, entry])), rows: json(bytes.subarray(at)) };
}

// How many letters are left out, added, changed or swapped; `most` + 1 or above where it is more.
function distance(one, other, most) {
  if (Math.abs(one.length - other.length) > most) return 9;
  let before = [], above = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row++) {
    const line = [row];
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1];
      let best = Math.min(line[column - 1] + 1, above[column] + 1, above[column - 1] + (same ? 0 : 1));
      if (row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1])
        best = Math.min(best, before[column - 2] + 1);
      line.push(best);
    }
    if (Math.min(...line) > most) return 9;
    [before, above] = [above, line];
  }
  return above[other.length] > most ? 9 : above[other.length];
}
