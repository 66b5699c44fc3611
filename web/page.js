// SPDX-License-Identifier: MIT
/* The first page: find tracks, ask for neighbours of one or of a file, listen to the passages that match.
 * What is shown is in the address (#q=… or #track=…), so that the browser's Back works; a file is not. */
'use strict';

const $ = id => document.getElementById(id);
const view = { file: null, cursor: null, request: 0 };
const weights = new Map();

/* --- talking to the server ----------------------------------------------------------------------------- */

async function ask(path, options) {
  const reply = await fetch(path, options).catch(() => { throw new Error('The server does not answer.'); });
  const text = await reply.text();
  let body = null;
  try { body = text ? JSON.parse(text) : null; } catch { /* not ours: the status has to do */ }
  if (!reply.ok) throw new Error(body?.detail ?? `The server said ${reply.status}.`);
  return body;
}

function complain(error) {
  $('problem').textContent = error ? error.message : '';
  $('problem').hidden = !error;
}

/* Runs one request for the list; answers that come after a newer request are dropped. */
async function show(about, request, render) {
  const mine = ++view.request;
  complain(null);
  $('about').textContent = about;
  try {
    const body = await request();
    if (mine === view.request) render(body);
  } catch (error) {
    if (mine !== view.request) return;
    fill('No answer', []);
    $('about').textContent = '';
    $('more').hidden = true;
    complain(error);
  }
}

/* --- small parts of the page --------------------------------------------------------------------------- */

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

function titleOf(track) {
  return track.title ?? track.path?.split('/').pop() ?? track.id;
}

function play(name, address, start) {
  const player = $('player');
  player.src = start > 0 ? `${address}#t=${start}` : address;
  $('playing').textContent = start > 0 ? `${name}, from ${clock(start)}` : name;
  player.play().catch(() => complain(new Error('This browser cannot play that file.')));
}

function playTrack(track, start) {
  play(titleOf(track), `/v1/tracks/${encodeURIComponent(track.id)}/audio`, start);
}

function bars(parts) {
  const entries = Object.entries(parts).map(([name, part]) => {
    const label = part.score === null ? `${name}: silent` : `${name} ${Math.round(part.score * 100)}`;
    const meter = part.score === null ? null : element('meter', { value: part.score, min: 0, max: 1 });
    return element('label', {}, label, meter);
  });
  return element('div', { className: 'bars' }, ...entries);
}

function row(track, hit) {
  const start = hit?.highlights?.[0]?.start ?? 0;
  const name = titleOf(track);
  const known = [track.artist, track.album, track.year, clock(track.duration)].filter(fact => fact !== null);
  const player = element('button', { type: 'button', textContent: start > 0 ? `▶ ${clock(start)}` : '▶' });
  player.setAttribute('aria-label', start > 0 ? `Play ${name} from ${clock(start)}` : `Play ${name}`);
  player.addEventListener('click', () => playTrack(track, start));
  const like = element('button', { type: 'button', textContent: name, title: 'What sounds like this?' });
  like.addEventListener('click', () => { location.hash = `track=${encodeURIComponent(track.id)}`; });
  const score = hit ? { textContent: Math.round(hit.score * 100), title: 'Score, 100 is the same' } : {};
  return element('li', {}, player,
    element('div', { className: 'name' }, like, element('span', { className: 'soft', textContent: known.join(' · ') })),
    element('span', { className: 'score', ...score }),
    hit ? bars(hit.parts) : null);
}

function fill(heading, rows, keep) {
  $('heading').textContent = heading;
  if (!keep) $('results').replaceChildren();
  $('results').append(...rows);
}

/* --- what is shown ------------------------------------------------------------------------------------- */

function listTracks(words, cursor) {
  const query = new URLSearchParams({ limit: 50 });
  if (words) query.set('q', words);
  if (cursor) query.set('cursor', cursor);
  show('', () => ask(`/v1/tracks?${query}`), body => {
    fill(words ? `Tracks with “${words}”` : 'Tracks', body.results.map(track => row(track)), cursor);
    $('about').textContent = body.total ? `${body.total} in all`
      : words ? 'There are none.' : 'There are none yet: scan a folder, or search with a file.';
    view.cursor = body.next_cursor;
    $('more').hidden = !body.next_cursor;
  });
}

function searchParameters() {
  const query = new URLSearchParams({ limit: 25, with: 'highlights' });
  const using = [...weights].map(([part, weight]) => `${part}:${weight}`).join(',');
  if (using && [...weights.values()].some(weight => weight !== 1)) query.set('using', using);
  return query;
}

function showHits(heading, body) {
  fill(heading, body.results.map(hit => row(hit.track, hit)));
  const dropped = Object.entries(body.dropped_by ?? {}).filter(([, n]) => n > 0)
    .map(([why, n]) => `${n} by ${why.replace('_', ' ')}`);
  const few = body.reason ?? (dropped.length ? `Left out: ${dropped.join(', ')}.` : '');
  $('about').textContent = `${body.results.length} nearest in ${(body.time * 1000).toFixed(0)} ms. ${few}`;
  $('more').hidden = true;
}

function showNeighbours(id) {
  const address = `/v1/tracks/${encodeURIComponent(id)}`;
  show('Searching…', () => Promise.all([ask(address), ask(`${address}/similar?${searchParameters()}`)]),
    ([track, body]) => showHits(`Like “${titleOf(track)}”`, body));
}

function searchByFile(file) {
  const form = new FormData();
  form.set('file', file);
  show(`Listening to ${file.name}…`,
    () => ask(`/v1/search?${searchParameters()}`, { method: 'POST', body: form }),
    body => showHits(`Like the file “${file.name}”`, body));
}

function useFile(file) {
  if (!file) return;
  view.file = file;
  history.replaceState(null, '', '#file');
  searchByFile(file);
}

/* Shows what the address says. */
function refresh() {
  const [kind, value] = location.hash.slice(1).split(/=(.*)/s);
  if (kind === 'file' && view.file) return searchByFile(view.file);
  if (kind === 'track' && value) return showNeighbours(decodeURIComponent(value));
  const words = kind === 'q' && value ? decodeURIComponent(value) : '';
  $('words').value = words;
  listTracks(words, null);
}

/* --- weights of the parts ------------------------------------------------------------------------------ */

let waiting = 0;
function slider(part) {
  const id = `weight-${part}`;
  const input = element('input', { id, type: 'range', min: 0, max: 1, step: 0.05, value: 1 });
  const output = element('output', { textContent: '1' });
  output.setAttribute('for', id);
  weights.set(part, 1);
  input.addEventListener('input', () => {
    weights.set(part, Number(input.value));
    output.textContent = input.value;
    clearTimeout(waiting);
    if (/^#(track|file)/.test(location.hash)) waiting = setTimeout(refresh, 200);
  });
  const label = element('label', { htmlFor: id, textContent: part });
  return element('div', { className: 'slider' }, label, input, output);
}

async function loadParts() {
  const spaces = (await ask('/v1/spaces')).results;
  const active = spaces.find(space => space.active) ?? spaces[0];
  $('sliders').replaceChildren(...(active?.parts ?? []).map(part => slider(part.name)));
}

/* --- jobs ---------------------------------------------------------------------------------------------- */

function jobLine(job) {
  const text = `${job.kind} ${job.subject ?? ''}: ${job.state}, ${job.done}` +
    (job.total ? ` of ${job.total}` : '') + (job.failed ? `, ${job.failed} failed` : '') +
    (job.eta ? `, ${clock(job.eta)} left` : '');
  const bar = element('progress', { max: job.total || 1 });
  if (job.total) bar.value = job.done;
  return element('p', {}, element('label', {}, text, bar));
}

let jobsRan = false;
async function watchJobs() {
  let busy = false;
  try {
    const all = (await ask('/v1/jobs?limit=20')).results;
    const jobs = all.filter(job => ['queued', 'running', 'paused'].includes(job.state));
    busy = jobs.some(job => job.state !== 'paused');
    $('jobs').replaceChildren(...jobs.map(jobLine));
    if (jobsRan && !busy && !/^#(track|file)/.test(location.hash)) refresh();
    jobsRan = busy;
  } catch { /* the next request of a person tells */ }
  setTimeout(watchJobs, busy ? 1500 : 10000);
}

/* --- start --------------------------------------------------------------------------------------------- */

$('search').addEventListener('submit', event => {
  event.preventDefault();
  const words = $('words').value.trim();
  const hash = words ? `#q=${encodeURIComponent(words)}` : '';
  if (location.hash === hash) refresh();
  else location.hash = hash;
});
$('more').addEventListener('click', () => listTracks($('words').value.trim(), view.cursor));
$('file').addEventListener('change', () => useFile($('file').files[0]));
$('player').addEventListener('error',
  () => complain(new Error('This browser cannot play that file, or it is gone.')));
addEventListener('hashchange', () => {
  refresh();
  $('heading').focus();
});
addEventListener('dragover', event => {
  event.preventDefault();
  document.body.classList.add('dragging');
});
addEventListener('dragleave', event => {
  if (!event.relatedTarget) document.body.classList.remove('dragging');
});
addEventListener('drop', event => {
  event.preventDefault();
  document.body.classList.remove('dragging');
  useFile(event.dataTransfer.files[0]);
});
loadParts().catch(complain).finally(refresh);
watchJobs();
