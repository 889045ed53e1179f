// Searches the index beside the pages as the API searches its own; skilldata/search/browser.py says what is in it.
const utf8 = new TextDecoder();
const CAMEL = /(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/;
const UNSPACED = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u1100-\u11ff\u3130-\u318f\uac00-\ud7af\u{20000}-\u{3ffff}]+/gu;
const ENDINGS = 5;

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
  const stop = new Set(root.stop), split = new Set(), moved = new Set(root.moved);
  let prefix = "";
  for (const [, kept, rest] of root.split.matchAll(/([A-Z])([^A-Z]*)/g)) split.add((prefix = prefix.slice(0, kept.charCodeAt() - 65) + rest));
  const common = new Map(root.frequent.map((word, at) => [word, at]));
  const seen = new Map();
  // Reads after which only what is here is used.
  let end;

  // The rows of the skills found, best first; how many there are; and the text with what may be a typo put right, or "".
  // No more than `files` are read, the root apart: where they are used up, only rows that are here already are given.
  async function search(text, limit = 10, files = Infinity) {
    end = reads + files - 1; // one is for rows
    const { words, grams, name } = read(text, stop);
    const fixed = new Map();
    const asked = rarest(words).slice(0, root.most).map((word) => slot(word, word === words.at(-1), fixed));
    const named = asked.length === 1 && lookUp(name);
    const slots = await Promise.all([...asked, ...grams.slice(0, root.most - asked.length).map(exactly)]);
    const found = ranked(slots);
    const numbers = [...new Set([...((await named)?.named ?? []), ...found])];
    const shown = [];
    end += 1;
    for (const number of numbers) {
      if (seen.has(number) || may(rowFile(number))) shown.push(row(number));
      else if (shown.length > 2) break;
      if (shown.length === limit) break;
    }
    const rows = await Promise.all(shown);
    const isNamed = (one) => joined(one[3] || one[2]) === name || joined(one[2]) === name;
    let better = text.toLowerCase();
    for (const [word, right] of fixed) better = better.replace(word, right);
    return {
      rows: rows.sort((one, other) => isNamed(other) - isNamed(one)),
      total: slots.length === 1 ? Math.max(slots[0].total, numbers.length) : numbers.length,
      better: fixed.size ? better : "",
    };
  }

  function rarest(words) {
    return [...words].sort((one, other) => (common.get(other) ?? 1e9) - (common.get(one) ?? 1e9));
  }

  async function row(number) {
    return seen.get(number) ?? (await get(rowFile(number), json))[number % root.rows];
  }

  function rowFile(number) {
    return `rows-${Math.floor(number / root.rows)}`;
  }

  function may(name) {
    return kept.has(name) || reads < end;
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
      const longer = (await Promise.all((await startingWith(word)).map(perhaps))).filter(Boolean);
      if (longer.length) return best([[entry, 1], ...longer.map((one) => [one, root.prefix])]);
    }
    for (const form of entry?.total ? [] : otherForms(word)) if ((entry = await perhaps(form))?.total) break;
    if (entry?.total || word.length < root.typo) return best([[entry, 1]]);
    const meant = (await corrections(word)).slice(0, 3);
    const right = (await Promise.all(meant.map(async (one) => [await perhaps(one), root.correction]))).filter(([one]) => one);
    if (right.length) fixed.set(word, meant[0]);
    return best(right);
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
      cut ||= entry.cut;
      total = Math.max(total, entry.total);
    }
    return { scores, cut, total };
  }

  async function lookUp(word) {
    return (await get(wordFile(word), wordsOf)).get(word);
  }

  // The same, if it is here or may be read.
  function perhaps(word) {
    return may(wordFile(word)) && lookUp(word);
  }

  function wordFile(word) {
    const name = key(word, split);
    return `words-${hash(moved.has(name) ? name + "+" : name) % root.words}`;
  }

  function wordsOf(bytes) {
    const { words, rows } = readWords(bytes);
    for (const [number, ...row] of rows) seen.set(number, row);
    return words;
  }

  // The most frequent words that begin with these letters; where these name a file, they are all in it.
  async function startingWith(letters) {
    const found = split.has(letters) ? await guessed("known", letters) : near(await get(wordFile(letters), wordsOf));
    const longer = found.filter(([word]) => word.startsWith(letters) && word !== letters);
    return longer.sort((one, other) => other[1] - one[1]).slice(0, ENDINGS).map(([word]) => word);
  }

  // What a word may be a typo of, most likely first: from its own file if that has any, else from the lists of words.
  async function corrections(word) {
    const most = word.length < root.typos2 ? 1 : 2;
    const close = (list) =>
      list.map(([known, frequent]) => [known, distance(word, known, most) * 10 - frequent - known.length / 99]).filter(([, cost]) => cost < 21);
    let found = close(near(await get(wordFile(word), wordsOf)));
    if (!found.length) found = close(await guessed("known", word));
    if (!found.length) found = close((await guessed("back", backwards(word))).map(([one, frequent]) => [backwards(one), frequent]));
    return found.sort((one, other) => one[1] - other[1]).map(([known]) => known);
  }

  // The words of a file that are not rare, each with how frequent it is.
  function near(file) {
    return [...file.values()].filter(({ word, total }) => total >= root.few && word[0] !== "=").map(({ word, total }) => [word, Math.log2(total)]);
  }

  // The same from the list of words where this one would be, if it may be read.
  async function guessed(kind, word) {
    const name = `${kind}-${Math.max(0, root[kind].findLastIndex((first) => first <= word))}`;
    return may(name) ? get(name, known) : [];
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

// Words, each with the figure of how frequent it is.
function known(bytes) {
  return utf8.decode(bytes).split("\n").map((line) => [line.slice(0, -1), +line.at(-1)]);
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

function backwards(word) {
  return [...word].reverse().join("");
}

// The beginning of a word that names its file.
function key(word, split) {
  const letters = [...word];
  for (let length = 3; length < letters.length; length++) {
    const start = letters.slice(0, length).join("");
    if (!split.has(start)) return start;
  }
  return word;
}

function hash(word) {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(word)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
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
    entries.push({ word, total: number(), listed: number(), names: number(), size: number(), base: number() });
  }
  for (const entry of entries) {
    const start = at;
    const numbers = [];
    for (let left = entry.listed, last = 0; left; left--) numbers.push((last += number()));
    const levels = bytes.subarray(at, (at += entry.listed));
    const base = entries[entry.base - 1];
    entry.scores = (steps) => [...(base?.scores(steps) ?? []), ...numbers.map((one, place) => [one, 2 ** (levels[place] / steps) / 4])];
    entry.cut = entry.total > (base ?? entry).listed;
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
