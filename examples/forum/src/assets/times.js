// Pages from memory can only say when something was, not how long ago that is.

const UNITS = [['day', 86400], ['hour', 3600], ['minute', 60]];
const ago = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

function tellTimes(part) {
  for (const time of part.querySelectorAll('time')) {
    const then = new Date(time.dateTime);
    const seconds = (Date.now() - then) / 1000;
    const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? ['minute', 60];
    time.title = then.toLocaleString();
    time.textContent = seconds > 30 * 86400
      ? then.toLocaleDateString('en', { dateStyle: 'medium' })
      : seconds < 60 ? 'just now' : ago.format(-Math.floor(seconds / length), unit);
  }
}

addEventListener('DOMContentLoaded', () => tellTimes(document));

