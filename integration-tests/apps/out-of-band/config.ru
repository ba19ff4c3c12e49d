# frozen_string_literal: true

require_relative "../../../examples/apps/out-of-band/out_of_band_gc"

# Writes a line for each request into the file that $JOURNAL names: process,
# method, path, begin and end by the machine's own clock, and how often garbage
# was collected meanwhile.
class Journal
  def initialize(app) = @app = app

  def call(env)
    begun = now
    collections = GC.count
    answer = @app.call(env)
    line = [Process.pid, env["REQUEST_METHOD"], env["PATH_INFO"], begun, now, GC.count - collections]
    File.write(ENV.fetch("JOURNAL"), "#{line.join(' ')}\n", mode: "a")
    answer
  end

  private

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

use Journal
# However long a pause is in coming: it may be the other process's turn.
use OutOfBandGC, limit: 1_000
run(lambda do |_env|
  garbage = Array.new(30_000) { |number| "page #{number}" }
  [200, { "content-type" => "text/plain" }, ["#{garbage.length}\n"]]
end)
