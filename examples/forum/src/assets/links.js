// Links load what differs from page to page, and no new document. Each page has its
// address all the same, and works without any of this.

const JSON_PREFIX = '/json';
let current = location.pathname + location.search;
let loading;

const jsonOf = ({ pathname, search }) =>
  JSON_PREFIX + (pathname === '/' ? '' : pathname) + search;

function pageOf(url) {
  const { pathname, search } = new URL(url);
  return (pathname.slice(JSON_PREFIX.length) || '/') + search;
}

// The page at `url`, and its address, which is another one after a redirection.
async function load(url, options) {
  loading?.abort();
  loading = new AbortController();
  const { signal } = loading;
  root.classList.add('loading');
  try {
    const begun = performance.now();
    const answer = await fetch(jsonOf(new URL(url)), { ...options, signal });
    if (answer.headers.get('content-type') !== 'application/json') throw new Error('no page');
    const page = await answer.json();
    const took = Math.round(performance.now() - begun);
    return { page, address: pageOf(answer.url), ok: answer.ok, from: whence(answer, took) };
  } finally {
    if (!signal.aborted) root.classList.remove('loading');
  }
}

// Who answered, in the words of RFC 9211.
function whence({ headers }, took) {
  const hit = (headers.get('cache-status') ?? '').includes('; hit');
  const age = headers.get('age') ?? 0;
  return hit ? `from memory, ${age} s old, in ${took} ms` : `by the application, in ${took} ms`;
}

function show({ page, from }) {
  const main = document.getElementById('main');
  // Our own server's, which lets nobody's markup through.
  main.innerHTML = page.html;
  document.title = `${page.title} · Falcon forum`;
  document.getElementById('announce').textContent = page.title;
  document.getElementById('from-memory').textContent = ` · ${from}`;
  for (const link of document.querySelectorAll('a[data-place]')) {
    if (link.dataset.place === page.place) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  makeMine(main);
  tellTimes(main);
}

// Whether the page is for another person than the document around it.
const isForeign = ({ page }) => page.level !== root.dataset.level;

async function follow(url) {
  try {
    const loaded = await load(url);
    if (isForeign(loaded)) return location.assign(loaded.address);
    history.replaceState({ y: scrollY }, '');
    current = loaded.address;
    history.pushState({ y: 0 }, '', current + new URL(url).hash);
    show(loaded);
    document.getElementById('main').focus({ preventScroll: true });
    const within = location.hash && document.getElementById(location.hash.slice(1));
    if (within) within.scrollIntoView();
    else scrollTo(0, 0);
  } catch (error) {
    if (error.name !== 'AbortError') location.assign(url);
  }
}

async function send(form, button) {
  button.disabled = true;
  try {
    const body = new URLSearchParams(new FormData(form));
    const loaded = await load(form.action, { method: 'POST', body });
    if (isForeign(loaded)) return location.assign(loaded.address);
    if (loaded.ok && loaded.address !== current) {
      current = loaded.address;
      history.pushState({ y: 0 }, '', current);
    }
    show(loaded);
    const news = loaded.ok ? '.post:last-of-type' : '.refusal';
    document.querySelector(`#main ${news}`)?.scrollIntoView({ block: 'center' });
  } catch (error) {
    if (error.name === 'AbortError') return;
    button.disabled = false;
    document.getElementById('announce').textContent = 'That could not be sent.';
    button.textContent = 'Try again';
  }
}

addEventListener('click', (event) => {
  const link = event.target.closest('a[href]');
  const special = event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
  if (!link || special || event.defaultPrevented || link.origin !== location.origin) return;
  // The browser itself knows how to jump within a page.
  if (link.hash && link.pathname + link.search === current) return;
  event.preventDefault();
  follow(link.href);
});

addEventListener('submit', (event) => {
  // Whatever changes who is here changes the document, too.
  if (!event.target.matches('form[data-here]')) return;
  event.preventDefault();
  send(event.target, event.submitter ?? event.target.querySelector('button'));
});

addEventListener('popstate', async (event) => {
  const address = location.pathname + location.search;
  if (address === current) return;
  try {
    const loaded = await load(location.href);
    if (isForeign(loaded)) return fetchAnew();
    current = address;
    show(loaded);
    scrollTo(0, event.state?.y ?? 0);
  } catch (error) {
    if (error.name !== 'AbortError') location.reload();
  }
});

history.scrollRestoration = 'manual';
addEventListener('load', () => {
  if (history.state?.y) scrollTo(0, history.state.y);
});
