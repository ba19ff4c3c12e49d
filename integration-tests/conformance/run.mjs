// Runs the whole suite against the cache at the URL in the first argument, and
// prints a line of JSON for each test.

import * as config from 'http-cache-tests/client/config.mjs'
import { makeCacheTest, testResults } from 'http-cache-tests/client/test.mjs'
import suites from 'http-cache-tests/tests/index.mjs'
import fetch from 'node-fetch'

// The suite goes by the clock, in whole seconds: pages are fresh for two of them, one of
// which may be over when they are made. What takes longer than the other one, for however
// busy this machine is, says nothing of the cache.
const IN_TIME = 900
// How long the suite waits where it wants a page to become stale.
const PAUSE = 3000

// For each test, when its last answer came, how many have come, and what time was lost.
const runs = new Map()

const timed = async (url, init) => {
  const id = init?.headers?.find(([name]) => name === 'Test-ID')?.[1]
  const run = runs.get(id)
  if (!run) return fetch(url, init)
  run.last ??= Date.now()
  const answer = await fetch(url, init)
  const waited = run.paused ? PAUSE : 0
  run.lost += Date.now() - run.last - waited
  run.paused = 'pause_after' in run.requests[run.answers++]
  run.last = Date.now()
  return answer
}

// Its origin breaks HTTP, and it takes seconds until that is noticed.
const SLOW = 'headers-store-Transfer-Encoding'

const isLate = test => runs.get(test.id).lost > IN_TIME && test.id !== SLOW

// The suite changes what it is given.
const begin = test => {
  delete testResults[test.id]
  runs.set(test.id, { requests: test.requests, answers: 0, paused: false, lost: 0 })
  return makeCacheTest(structuredClone(test))
}

config.setFetch(timed)
config.setBaseUrl(process.argv[2])
config.setUseBrowserCache(false)

// Some are for browsers only.
const tests = suites.flatMap(suite => suite.tests).filter(test => test.browser_only !== true)
// Each test sleeps for seconds and works for milliseconds, and has a path of its own:
// all of them at once take as long as the longest. Those that were late are run again,
// with ever fewer beside them.
let left = tests
for (let atOnce = tests.length; left.length > 0; atOnce = Math.ceil(atOnce / 4)) {
  for (let at = 0; at < left.length; at += atOnce) {
    await Promise.all(left.slice(at, at + atOnce).map(begin))
  }
  left = left.filter(isLate)
}

// As the suite itself shows its results: what a test takes for granted must
// hold, or its own outcome says nothing.
const byId = new Map(tests.map(test => [test.id, test]))
const missing = test => (test.depends_on ?? []).filter(id => !passes(byId.get(id)))
const passes = test => testResults[test.id] === true && missing(test).length === 0

for (const test of tests) {
  const reasons = missing(test).map(id => `needs ${id}`)
  if (testResults[test.id] !== true) reasons.unshift(testResults[test.id].join(': '))
  console.log(JSON.stringify({
    id: test.id,
    kind: test.kind ?? 'required',
    passed: passes(test),
    reason: reasons.join('; ')
  }))
}
