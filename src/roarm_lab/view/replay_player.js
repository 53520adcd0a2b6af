"use strict";
// Plays the recorded episodes of this page: time, buttons, keys, fingers. The numbers stand in the element `data`.

const $ = (id) => document.getElementById(id);
const DATA = JSON.parse($("data").textContent);
const AUTO_NEXT_S = 0.8; // the end of an episode stays this long
const SPEEDS = [0.25, 0.5, 1, 2, 4];
const ORANGE = [0.95, 0.39, 0.12], GREEN = [0.12, 0.63, 0.31];

function int16(text) {
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 2 }, (_, i) => view.getInt16(2 * i, true));
}

const bodyCount = DATA.bodies.length, ballCount = DATA.markers.length;
const episodes = DATA.episodes.map((episode) => ({ ...episode, poses: int16(episode.poses), balls: int16(episode.balls) }));

const between = (a, b, share) => a.map((value, i) => value + (b[i] - value) * share);

function bodyAt(episode, frame, body) {
  const start = 7 * (frame * bodyCount + body), raw = episode.poses.slice(start, start + 7);
  return { at: raw.slice(0, 3).map((value) => value * DATA.scale_m), quat: raw.slice(3).map((value) => value / 32767) };
}

function ballAt(episode, frame, ball) {
  const start = 3 * (frame * ballCount + ball);
  return episode.balls.slice(start, start + 3).map((value) => value * DATA.scale_m);
}

function bodyBetween(episode, frame, share, body) {
  const a = bodyAt(episode, frame, body);
  if (!share) return pose(a.at, unit(a.quat));
  const b = bodyAt(episode, frame + 1, body);
  const to = dot(a.quat, b.quat) < 0 ? b.quat.map((value) => -value) : b.quat; // the short way round
  return pose(between(a.at, b.at, share), unit(between(a.quat, to, share)));
}

const state = { episode: 0, frame: 0, playing: false, speed: 1, path: true, touching: false, waited: 0 };
let scene = null, drawn = 0, needed = true;

const now = () => episodes[state.episode];
const last = () => now().frames - 1;
const mark = (episode) => (episode.success === null ? "" : episode.success ? "✓" : "✗");

function choose(number) {
  state.episode = (number + episodes.length) % episodes.length;
  state.frame = state.waited = 0;
  const episode = now(), tip = DATA.tip;
  if (scene) scene.resize(episode.grown);
  if (scene && tip) {
    const points = Array.from({ length: episode.frames }, (_, frame) => moved(bodyBetween(episode, frame, 0, tip.body), tip.pos));
    scene.setPath(points);
  }
  $("slider").max = last();
  for (const [i, button] of [...$("episodes").children].entries()) {
    if (i === state.episode) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  const chosen = $("episodes").children[state.episode], list = $("episodes");
  list.scrollTo({ left: chosen.offsetLeft - list.clientWidth / 2, top: chosen.offsetTop - list.clientHeight / 2 });
  $("outcome").textContent = episode.words ? `${mark(episode)} ${episode.words}` : "";
  $("outcome").className = episode.success === null ? "" : episode.success ? "good" : "bad";
  $("number").textContent = `Episode ${state.episode + 1} of ${episodes.length}`;
  chart(episode);
  needed = true;
}

function chart(episode) {
  const known = episode.distance_m.filter((value) => value !== null);
  $("chart").hidden = !known.length;
  if (!known.length) return;
  const top = Math.max(...known, 1e-9), width = Math.max(last(), 1);
  const points = episode.distance_m.map((value, i) => (value === null ? "" : `${(100 * i) / width},${40 - (38 * value) / top}`));
  $("curve").setAttribute("points", points.join(" "));
  const limit = DATA.within_m === null ? -1 : 40 - (38 * DATA.within_m) / top;
  $("limit").setAttribute("y1", limit);
  $("limit").setAttribute("y2", limit);
  $("top").textContent = `${(1000 * top).toFixed(0)} mm`;
}

function play(on) {
  if (on && state.frame >= last()) choose(state.episode + (state.episode + 1 < episodes.length ? 1 : 1 - episodes.length));
  state.playing = on;
  $("play").setAttribute("aria-label", on ? "Pause" : "Play");
  $("play").title = on ? "Pause (space)" : "Play (space)";
  document.body.classList.toggle("playing", on);
  needed = true;
}

function seek(frame) {
  state.frame = Math.min(Math.max(frame, 0), last());
  state.waited = 0;
  needed = true;
}

function faster(steps) {
  state.speed = SPEEDS[Math.min(Math.max(SPEEDS.indexOf(state.speed) + steps, 0), SPEEDS.length - 1)];
  $("speed").value = String(state.speed);
}

function advance(seconds) {
  if (state.frame < last()) state.frame = Math.min(state.frame + (seconds * state.speed) / DATA.dt_s, last());
  else if ((state.waited += seconds) > AUTO_NEXT_S) {
    if (state.episode + 1 < episodes.length) choose(state.episode + 1);
    else play(false);
  }
}

function colors() {
  const canvas = document.createElement("canvas").getContext("2d");
  return Object.fromEntries(["stage", "accent"].map((name) => {
    canvas.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    return [name, [1, 3, 5].map((i) => parseInt(canvas.fillStyle.slice(i, i + 2), 16) / 255)];
  }));
}

function show() {
  const episode = now(), frame = Math.min(Math.floor(state.frame), last()), share = state.frame - frame;
  const shown = Math.min(Math.round(state.frame), last()), distance = episode.distance_m[shown], held = episode.held_s[shown];
  const { stage, accent } = colors();
  scene.draw({
    bodies: Array.from({ length: bodyCount }, (_, body) => bodyBetween(episode, frame, share, body)),
    balls: DATA.markers.map((marker, i) => ({
      at: ballAt(episode, frame, i), radius: marker.radius_m, color: [...(held > 0 ? GREEN : ORANGE), 0.5],
    })),
    pathCount: state.path && DATA.tip ? shown + 1 : 0, pathColor: accent,
    background: stage, dim: stage[0] < 0.5 ? 0.5 : 1, touching: state.touching,
  });
  $("slider").value = state.frame;
  $("slider").setAttribute("aria-valuetext", `${(frame * DATA.dt_s).toFixed(2)} s`);
  $("time").textContent = `${(state.frame * DATA.dt_s).toFixed(2)} / ${(last() * DATA.dt_s).toFixed(2)} s`;
  $("distance").textContent = distance === null ? "–" : `${(1000 * distance).toFixed(1)} mm`;
  $("held").textContent = held > 0 ? `at the goal for ${held.toFixed(2)} s` : "";
  $("cursor").setAttribute("x1", (100 * state.frame) / Math.max(last(), 1));
  $("cursor").setAttribute("x2", (100 * state.frame) / Math.max(last(), 1));
}

function tick(time_ms) {
  const seconds = Math.min((time_ms - drawn) / 1000, 0.5); // a hidden page gets no frames: it goes on where it was
  drawn = time_ms;
  if (state.playing) advance(seconds);
  if (state.playing || needed) {
    needed = false;
    show();
  }
  requestAnimationFrame(tick);
}

function listEpisodes() {
  for (const [i, episode] of episodes.entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${i + 1} ${mark(episode)}`;
    button.className = episode.success === null ? "" : episode.success ? "good" : "bad";
    button.title = episode.words;
    button.onclick = () => choose(i);
    $("episodes").append(button);
  }
}

function pointers(canvas, camera) {
  const down = new Map();
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, event);
  };
  canvas.onpointerup = canvas.onpointercancel = (event) => down.delete(event.pointerId);
  canvas.oncontextmenu = (event) => event.preventDefault();
  canvas.onpointermove = (event) => {
    const old = down.get(event.pointerId);
    if (!old) return;
    const high = canvas.clientHeight, [dx, dy] = [event.clientX - old.clientX, event.clientY - old.clientY];
    const other = [...down.values()].find((finger) => finger.pointerId !== event.pointerId);
    if (other) {
      const apart = (finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY);
      camera.zoom(apart(old) / Math.max(apart(event), 1));
      camera.pan((0.35 * dx) / high, (0.35 * dy) / high);
    } else if (event.shiftKey || event.buttons & 6) camera.pan((0.7 * dx) / high, (0.7 * dy) / high);
    else camera.orbit((4 * dx) / high, (4 * dy) / high);
    down.set(event.pointerId, event);
    needed = true;
  };
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    camera.zoom(Math.exp(0.001 * event.deltaY));
    needed = true;
  }, { passive: false });
  canvas.ondblclick = () => { camera.reset(); needed = true; };
}

const KEYS = {
  " ": () => play(!state.playing),
  ArrowLeft: () => { play(false); seek(Math.ceil(state.frame) - 1); },
  ArrowRight: () => { play(false); seek(Math.floor(state.frame) + 1); },
  ArrowUp: () => choose(state.episode - 1),
  ArrowDown: () => choose(state.episode + 1),
  Home: () => seek(0),
  End: () => { play(false); seek(last()); },
  "+": () => faster(1),
  "-": () => faster(-1),
  p: () => $("path").click(),
  c: () => $("touching").click(),
  r: () => { scene.camera.reset(); needed = true; },
};

function controls() {
  $("play").onclick = () => play(!state.playing);
  $("before").onclick = () => choose(state.episode - 1);
  $("after").onclick = () => choose(state.episode + 1);
  $("slider").oninput = () => seek(Number($("slider").value));
  $("speed").onchange = () => { state.speed = Number($("speed").value); };
  $("path").onchange = () => { state.path = $("path").checked; needed = true; };
  $("touching").onchange = () => { state.touching = $("touching").checked; needed = true; };
  $("chart").onclick = (event) => {
    const box = $("plot").getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * last());
  };
  document.onkeydown = (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[key] || event.target.tagName === "SELECT") return;
    event.preventDefault();
    KEYS[key]();
  };
  window.onresize = () => { needed = true; };
  matchMedia("(prefers-color-scheme: dark)").onchange = () => { needed = true; };
}

function start() {
  try {
    scene = new Scene($("scene"), DATA.shapes, new Camera(DATA.camera));
  } catch (error) {
    $("trouble").hidden = false;
    $("trouble").textContent = `The scene can not be drawn: ${error.message}`;
    return;
  }
  $("scene").addEventListener("webglcontextlost", (event) => { event.preventDefault(); play(false); });
  $("scene").addEventListener("webglcontextrestored", () => { scene.build(); choose(state.episode); });
  listEpisodes();
  controls();
  pointers($("scene"), scene.camera);
  choose(0);
  show();
  requestAnimationFrame(tick);
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) play(true);
  document.documentElement.dataset.ready = "true";
}

start();
