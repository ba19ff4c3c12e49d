# frozen_string_literal: true

require "rack"

# Rack middleware that moves Ruby's garbage collection from the midst of
# requests to the pauses between them. To copy into an application:
#
#     # config.ru
#     require_relative "out_of_band_gc"
#     use OutOfBandGC
#     run App
#
# As the first of all middleware, so that nothing keeps the request for the
# work from it: in Rails, `config.middleware.insert 0, OutOfBandGC`.
#
# While it can, it keeps Ruby from collecting. When there is enough garbage it
# asks Peregrine for a pause, with a header of some response. Peregrine then
# sends no more requests until those that run are finished, and sends the one
# request by which this collects.
#
# If the pause is long in coming, it lets Ruby collect as ever: memory is
# bounded whatever happens. Without Peregrine it does nothing at all.
#
# One server process for each process that Peregrine starts is what it is made
# for, as Puma runs by default; threads do no harm.
class OutOfBandGC
  # A pause is due after so many new objects, or so many bytes that they hold
  # outside of Ruby's own heap.
  DUE_OBJECTS = 500_000
  DUE_BYTES = 64 * 1024 * 1024

  # After so many times as much, Ruby collects for itself again.
  LIMIT = 4

  # How often an idle process looks whether its own threads have come to that.
  WATCH_SECONDS = 1

  def initialize(app, due_objects: DUE_OBJECTS, due_bytes: DUE_BYTES, limit: LIMIT)
    @app = app
    @due_objects = due_objects
    @due_bytes = due_bytes
    @limit = limit
    @method, @path, @token = ENV.values_at(
      "PEREGRINE_OOB_WORK_METHOD", "PEREGRINE_OOB_WORK_PATH", "PEREGRINE_OOB_WORK_TOKEN"
    )
    @lock = Mutex.new
    @began = false
  end

  def call(env)
    return @app.call(env) unless @token
    return work if asked_to_work?(env)

    begin_once
    status, headers, body = @app.call(env)
    share = garbage
    GC.enable if share >= @limit
    # Rack 3 wants names in lower case, and some applications freeze headers.
    headers = headers.to_h.merge("!~request-oob-work" => "true") if share >= 1
    [status, headers, body]
  end

  private

  def asked_to_work?(env)
    env["REQUEST_METHOD"] == @method &&
      env["PATH_INFO"] == @path &&
      Rack::Utils.secure_compare(env["HTTP_!~OOB_WORK_TOKEN"].to_s, @token)
  end

  # No request runs now. A minor collection is enough, most of the time; a full
  # one takes longer, and is due when Ruby itself would think so.
  def work
    full = GC.stat(:old_objects) >= GC.stat(:old_objects_limit)
    GC.start(full_mark: full, immediate_sweep: true)
    keep_from_collecting
    [204, {}, []]
  end

  # With the first request, in the process that serves it, after all forks.
  def begin_once
    return if @began

    @lock.synchronize do
      next if @began

      keep_from_collecting
      watch
      @began = true
    end
  end

  def keep_from_collecting
    @allocated = GC.stat(:total_allocated_objects)
    GC.disable
  end

  # The application's own threads may allocate while no request comes.
  def watch
    Thread.new do
      loop do
        sleep WATCH_SECONDS
        GC.enable if garbage >= @limit
      end
    end
  end

  # As a share of what makes a pause due.
  def garbage
    objects = GC.stat(:total_allocated_objects) - @allocated
    bytes = GC.stat(:malloc_increase_bytes)
    [objects.fdiv(@due_objects), bytes.fdiv(@due_bytes)].max
  end
end
