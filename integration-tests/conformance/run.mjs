// Runs the whole suite against the cache at the URL in the first argument, and
// prints a line of JSON for each test.

import { runTests, getResults } from 'http-cache-tests/client/runner.mjs'
import suites from 'http-cache-tests/tests/index.mjs'
import fetch from 'node-fetch'

// Each test sleeps for seconds and works for milliseconds, and has a path of
// its own: all of them at once take as long as the longest.
const ALL_AT_ONCE = 1000

await runTests(suites, fetch, false, process.argv[2], ALL_AT_ONCE)
const results = getResults()
const tests = new Map(suites.flatMap(suite => suite.tests).map(test => [test.id, test]))

// As the suite itself shows its results: what a test takes for granted must
// hold, or its own outcome says nothing.
const missing = test => (test.depends_on ?? []).filter(id => !passes(tests.get(id)))
const passes = test => results[test.id] === true && missing(test).length === 0

for (const test of tests.values()) {
  // Some are for browsers only.
  if (!(test.id in results)) continue
  const reasons = missing(test).map(id => `needs ${id}`)
  if (results[test.id] !== true) reasons.unshift(results[test.id].join(': '))
  console.log(JSON.stringify({
    id: test.id,
    kind: test.kind ?? 'required',
    passed: passes(test),
    reason: reasons.join('; ')
  }))
}
