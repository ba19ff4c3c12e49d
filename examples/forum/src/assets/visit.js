// Pages are the same for all on one level. What is the reader's own is asked for
// once in each visit, and put in here.

let me;

async function whoAmI() {
  const answer = await fetch('/me');
  return answer.json();
}

function isMe(other) {
  return me?.level === other.level && me?.name === other.name;
}

// On every page that is shown, once we know who is here.
function makeMine(part) {
  if (!me) return;
  const account = part.querySelector('a[data-place=account]');
  if (account && me.name) account.textContent = me.name;
  for (const form of part.querySelectorAll('form[data-author]')) {
    form.hidden = me.level !== 'staff' && form.dataset.author !== me.name;
  }
}

function fetchAnew() {
  root.classList.add('away');
  location.reload();
}

// Other tabs are to show the same person. Not while a page is put away: the browser
// would throw it away instead.
let tabs;

function talkToTabs() {
  tabs = new BroadcastChannel('me');
  tabs.addEventListener('message', (event) => {
    if (me && !isMe(event.data)) fetchAnew();
  });
}

addEventListener('DOMContentLoaded', async () => {
  talkToTabs();
  me = await whoAmI();
  const [navigation] = performance.getEntriesByType('navigation');
  if (me.level !== root.dataset.level && navigation.type !== 'reload') {
    // An old page, from before a login or a logout.
    fetchAnew();
    return;
  }
  makeMine(document);
  tabs.postMessage(me);
});

// A browser may put a page away as it is, for Back. Nothing of it is to be seen before
// we know that it is the same person who comes back.
addEventListener('pagehide', () => {
  tabs?.close();
  root.classList.add('away');
});

addEventListener('pageshow', async (event) => {
  if (!event.persisted) return;
  if (!isMe(await whoAmI())) return fetchAnew();
  talkToTabs();
  root.classList.remove('away');
});

