// Underlines what is wrong with the query while it is written, and says what a right one reads and gives.
// The page works without it.
"use strict";

(() => {
  const box = document.getElementById("query");
  const under = document.getElementById("query-under");
  const status = document.getElementById("query-check");
  if (!box || !under || !status) return;

  const WAIT_MS = 350;
  const MOST = 200000;
  let timer = 0;
  let asking = null;

  function plural(count, word) {
    return `${count.toLocaleString()} ${word}${count === 1 ? "" : "s"}`;
  }

  // Places count characters, strings of this language count UTF-16 units.
  function pieces(text, start, end) {
    const characters = Array.from(text);
    const last = Math.max(end, start + 1);
    return [characters.slice(0, start), characters.slice(start, last), characters.slice(last)].map((p) => p.join(""));
  }

  function clear() {
    under.replaceChildren();
    status.replaceChildren();
    box.removeAttribute("aria-invalid");
  }

  function button(fault, text, suggestion) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "small";
    made.textContent = `Use ${suggestion}`;
    made.addEventListener("click", () => {
      const [before, , after] = pieces(text, fault.start, fault.end);
      const rest = fault.end > fault.start ? after : box.value.slice(before.length);
      box.value = before + suggestion + rest;
      box.focus();
      box.setSelectionRange(before.length, before.length + suggestion.length);
      check();
    });
    return made;
  }

  function showFault(fault, text) {
    box.setAttribute("aria-invalid", "true");
    if (Number.isInteger(fault.start)) {
      const [before, marked, after] = pieces(text, fault.start, fault.end);
      const mark = document.createElement("mark");
      mark.textContent = marked.trim() ? marked : "\u00a0";
      under.replaceChildren(before, mark, after);
      scroll();
    }
    const place = fault.line ? `Line ${fault.line}, column ${fault.column}: ` : "";
    const advice = fault.advice ? `. ${fault.advice}` : "";
    const buttons = (fault.suggestions || []).map((suggestion) => button(fault, text, suggestion));
    status.className = "check bad";
    status.replaceChildren(`${place}${fault.message}${advice} `, ...buttons);
  }

  function showRight(found) {
    const parts = [`Right: ${plural(found.columns.length, "column")}`];
    if (Number.isInteger(found.rows_estimate)) parts.push(`about ${plural(found.rows_estimate, "row")}`);
    const indexed = Object.keys(found.indexed).filter((name) => found.indexed[name]);
    if (indexed.length) parts.push(`index of ${indexed.join(", ")} is used`);
    status.className = "check";
    status.replaceChildren([parts.join(", "), ...found.warnings].join(". "));
  }

  async function check() {
    const text = box.value;
    if (asking) asking.abort();
    if (!text.trim() || text.length > MOST) {
      clear();
      return;
    }
    asking = new AbortController();
    try {
      const body = new URLSearchParams({ LANG: "ADQL", QUERY: text });
      const answer = await fetch(box.dataset.check, { method: "POST", body, signal: asking.signal });
      const found = await answer.json();
      if (text !== box.value) return;
      clear();
      if (found.valid) showRight(found);
      else if (found.errors.length) showFault(found.errors[0], text);
    } catch (error) {
      if (error.name !== "AbortError") clear();
    }
  }

  function scroll() {
    under.scrollTop = box.scrollTop;
    under.scrollLeft = box.scrollLeft;
  }

  box.addEventListener("input", () => {
    under.replaceChildren();
    clearTimeout(timer);
    timer = setTimeout(check, WAIT_MS);
  });
  box.addEventListener("scroll", scroll);
  check();
})();
