// Draws what the server words and judges, and keeps watch: a page that hears nothing, or only old
// news, says so by itself. Nothing here is counted or translated.
"use strict";

(() => {
  const LOST_AFTER = 8000; // Four pulses of the server.
  const RETRY_AFTER = 5000;
  const LONG = 6; // Characters; more are written smaller.
  const RELOAD_AFTER = 60000; // Two versions behind one address must not make a page flicker.

  const root = document.getElementById("board");
  if (!root) return;
  const main = root.querySelector("main");
  const version = document.currentScript.dataset.version;
  const begun = performance.now();

  let board = null;
  let serverNow = 0;
  let heard = null; // Of both clocks: one stops while a machine sleeps, the other may be set.
  let source = null;
  let lastTry = performance.now();
  const moved = {}; // When the instant of each channel last moved, where no clock tells its age.

  const monotonic = () => performance.now();
  const sinceHeard = () =>
    heard === null ? Infinity : Math.max(monotonic() - heard.mono, Date.now() - heard.wall);

  function element(parent, key, tag, className) {
    let found = null;
    for (const child of parent.children) if (child.dataset.key === key) found = child;
    if (!found) {
      found = document.createElement(tag);
      found.dataset.key = key;
      parent.append(found);
    }
    if (className !== undefined && found.className !== className) found.className = className;
    return found;
  }

  function text(parent, key, tag, className, value) {
    const found = element(parent, key, tag, className);
    if (found.textContent !== value) found.textContent = value;
    return found;
  }

  function keepOnly(parent, keys) {
    for (const child of [...parent.children])
      if (!keys.includes(child.dataset.key)) child.remove();
    keys.forEach((key, place) => {
      const child = [...parent.children].find((one) => one.dataset.key === key);
      if (child && parent.children[place] !== child)
        parent.insertBefore(child, parent.children[place]);
    });
  }

  function stopwatch(seconds) {
    const whole = Math.floor(seconds);
    const two = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor((whole % 3600) / 60);
    return hours
      ? `${hours}:${two(minutes)}:${two(whole % 60)}`
      : `${minutes}:${two(whole % 60)}`;
  }

  // How old the truth of a channel is, in milliseconds.
  function age(section) {
    if (section.as_of === null) return Infinity;
    if (board.clock === "wall") return serverNow + sinceHeard() - section.as_of;
    return monotonic() - moved[section.key].at;
  }

  const isOld = (section) =>
    !section.live || sinceHeard() > LOST_AFTER || age(section) > section.stale_after;

  // A wait goes on by itself only where the wall's clock tells the time and the truth is fresh.
  function running(section, tile) {
    if (tile.seconds === null || board.clock !== "wall" || isOld(section)) return tile;
    const seconds = tile.seconds + Math.max(0, age(section)) / 1000;
    const step = tile.steps.find((one) => seconds > one.after);
    return {
      ...tile,
      value: stopwatch(seconds),
      level: step ? step.level : tile.level,
      word: step ? step.word : tile.word,
    };
  }

  function drawTile(parent, section, given) {
    const tile = running(section, given);
    const minor = tile.minor ? " minor" : "";
    const card = element(parent, tile.key, "div", `tile ${tile.key} ${tile.level}${minor}`);
    const heading = element(card, "heading", "p", "heading");
    text(heading, "label", "span", "label", tile.label);
    text(heading, "scope", "span", "scope", tile.scope ? ` ${tile.scope}` : "");
    const reading = element(card, "reading", "p", "reading");
    const long = tile.value.length > LONG ? " long" : "";
    text(reading, "value", "span", `value${long}`, tile.value);
    text(reading, "note", "span", "note", tile.note);
    const verdict = element(card, "verdict", "p", "verdict");
    element(verdict, "mark", "span", "mark").setAttribute("aria-hidden", "true");
    text(verdict, "word", "span", "word", tile.word);
  }

  function drawDue(parent, due) {
    const box = element(parent, "due", "div", "due");
    text(box, "title", "h3", "", due.title);
    text(box, "note", "span", "note", due.note);
    const list = element(box, "times", "ol", "");
    due.times.forEach((time, place) => {
      const item = element(list, String(place), "li", "");
      text(item, "value", "span", "when", time.value);
      text(item, "label", "span", "note", ` ${time.label}`);
    });
    keepOnly(list, due.times.map((_, place) => String(place)));
  }

  function drawParts(parent, section) {
    const table = element(parent, "parts", "table", "parts");
    const row = element(element(table, "head", "thead"), "row", "tr");
    text(row, "name", "th", undefined, "");
    section.parts[0].figures.forEach((figure, place) => {
      text(row, String(place), "th", undefined, figure.label).scope = "col";
    });
    const body = element(table, "body", "tbody");
    for (const part of section.parts) {
      const line = element(body, part.key, "tr");
      const name = element(line, "name", "th");
      name.scope = "row";
      text(name, "text", "span", "", part.name);
      text(name, "state", "span", "state", part.state ? ` ${part.state}` : "");
      part.figures.forEach((figure, place) => {
        const last = place === part.figures.length - 1;
        const cell = element(line, String(place), "td", last ? `judged ${part.level}` : "");
        if (last) element(cell, "mark", "span", "mark").setAttribute("aria-hidden", "true");
        text(cell, "value", "span", "", figure.value);
        if (last) text(cell, "word", "span", "unseen", ` ${part.word}`);
      });
    }
    keepOnly(body, section.parts.map((part) => part.key));
  }

  function drawChannel(section) {
    const old = isOld(section);
    const box = element(main, section.key, "section", `channel ${section.key}${old ? " old" : ""}`);
    const heading = element(box, "head", "div", "channel-head");
    const title = text(heading, "title", "h2", "", section.title);
    title.id = `title-${section.key}`;
    box.setAttribute("aria-labelledby", title.id);
    text(heading, "hours", "p", "hours", section.hours);
    text(heading, "as-of", "p", "as-of", section.as_of_text);
    const shown = ["head"];
    if (section.empty) {
      text(box, "empty", "p", "empty", section.empty);
      shown.push("empty");
    }
    if (section.tiles.length) {
      const tiles = element(box, "tiles", "div", "tiles");
      for (const tile of section.tiles) drawTile(tiles, section, tile);
      keepOnly(tiles, section.tiles.map((tile) => tile.key));
      shown.push("tiles");
    }
    if (section.due) {
      drawDue(box, section.due);
      shown.push("due");
    }
    if (section.parts.length) {
      drawParts(box, section);
      shown.push("parts");
    }
    if (section.hidden_parts) {
      text(box, "more", "p", "more", section.hidden_parts);
      shown.push("more");
    }
    keepOnly(box, shown);
    return old;
  }

  function say(id, words) {
    const place = document.getElementById(id);
    if (place.textContent !== words) place.textContent = words;
  }

  function draw() {
    const words = root.dataset;
    const lost = sinceHeard() > LOST_AFTER;
    if (!board) {
      const late = monotonic() - begun > LOST_AFTER;
      root.classList.toggle("old", late);
      say("status", late ? words.lost : words.loading);
      return;
    }
    const old = board.sections.map(drawChannel);
    keepOnly(main, board.sections.map((section) => section.key));
    root.classList.toggle("old", lost || old.includes(true));
    const fresh = board.clock === "wall" ? words.live : words.replay;
    const aged = board.sections.every((one) => one.as_of === null) ? words.none : words.stale;
    say("status", lost ? words.lost : old.includes(true) ? aged : fresh);
    if (!lost && !old.includes(true)) say("summary", board.summary);
  }

  function listen(message) {
    const told = JSON.parse(message.data);
    if (told.version !== version && monotonic() - begun > RELOAD_AFTER) {
      location.reload();
      return;
    }
    serverNow = told.now;
    heard = { mono: monotonic(), wall: Date.now() };
    if (told.board) {
      board = told.board;
      for (const section of board.sections) {
        const before = moved[section.key];
        if (!before || before.asOf !== section.as_of)
          moved[section.key] = { asOf: section.as_of, at: monotonic() };
      }
    }
    draw();
  }

  // A browser tries again by itself after a broken connection, but not after a refusal.
  function connect() {
    if (source) source.close();
    source = new EventSource(root.dataset.events);
    source.addEventListener("board", listen);
    source.addEventListener("pulse", listen);
  }

  connect();
  setInterval(() => {
    const refused = source.readyState === EventSource.CLOSED;
    const silent = source.readyState === EventSource.OPEN && sinceHeard() > 2 * LOST_AFTER;
    if ((refused || silent) && monotonic() - lastTry > RETRY_AFTER * (1 + Math.random())) {
      lastTry = monotonic();
      connect();
    }
    draw();
  }, 1000);
})();
