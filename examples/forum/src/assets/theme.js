'use strict';

// Dark or light: what the system says, until the reader chooses.

const root = document.documentElement;
const chosen = localStorage.getItem('theme');
if (chosen) root.dataset.theme = chosen;

addEventListener('DOMContentLoaded', () => {
  const button = document.querySelector('button.theme');
  button.hidden = false;
  button.addEventListener('click', () => {
    const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
    const next = (root.dataset.theme ?? system) === 'dark' ? 'light' : 'dark';
    root.dataset.theme = next;
    localStorage.setItem('theme', next);
  });
});

