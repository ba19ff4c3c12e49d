# frozen_string_literal: true

require "json"
require "rack"

# A small app to try Peregrine with: plain Rack, no framework.
class App
  INDEX = <<~TEXT
    A small app behind Peregrine. Try:

    /cached   may be cached for a minute: reload it, and it stays the same
    /private  is for one visitor only: reload it, and the number grows
    /slow     takes a second; ?seconds=3 takes three
    /stream   five lines over a second; ?seconds=5 takes five
    /echo     what the app received, as JSON
    /pid      the process that answers
  TEXT

  PAGES = {
    "/" => :index,
    "/cached" => :cached,
    "/private" => :private_page,
    "/slow" => :slow,
    "/stream" => :stream,
    "/echo" => :echo,
    "/pid" => :pid
  }.freeze

  def initialize
    @renderings = 0
    @lock = Mutex.new
  end

  def call(env)
    request = Rack::Request.new(env)
    page = PAGES[request.path_info]
    page ? send(page, request) : text("no such page\n", status: 404)
  end

  private

  def index(_request) = text(INDEX)

  def cached(request)
    sleep seconds(request, default: 0)
    text(rendering, cache_control: "public, max-age=60")
  end

  def private_page(_request)
    text(rendering, cache_control: "private, max-age=60")
  end

  def slow(request)
    sleep seconds(request)
    text("worth the wait\n")
  end

  def stream(request)
    pause = seconds(request) / 5
    lines = Enumerator.new do |out|
      (1..5).each do |number|
        sleep pause unless number == 1
        out << format("line %d of 5, written at %.3f\n", number, Time.now.to_f)
      end
    end
    [200, headers, lines]
  end

  def echo(request)
    received = {
      method: request.request_method,
      path: request.path_info,
      query: request.query_string,
      headers: received_headers(request.env),
      body: request.body.read.force_encoding(Encoding::UTF_8).scrub
    }
    text("#{JSON.pretty_generate(received)}\n", content_type: "application/json")
  end

  def pid(_request) = text("#{Process.pid}\n")

  # Rack hides a request's header fields among the variables of CGI.
  def received_headers(env)
    fields = env.select { |name, _| name.start_with?("HTTP_") || name.match?(/\ACONTENT_(TYPE|LENGTH)\z/) }
    fields.transform_keys { |name| name.delete_prefix("HTTP_").downcase.tr("_", "-") }
          .except("version")
  end

  def rendering
    number = @lock.synchronize { @renderings += 1 }
    "rendering #{number} by process #{Process.pid}\n"
  end

  def seconds(request, default: 1)
    Float(request.params["seconds"] || default).clamp(0.0, 10.0)
  rescue ArgumentError, TypeError
    default.to_f
  end

  def text(body, status: 200, **options)
    [status, headers(**options).merge("content-length" => body.bytesize.to_s), [body]]
  end

  def headers(cache_control: "no-store", content_type: "text/plain; charset=utf-8")
    { "cache-control" => cache_control, "content-type" => content_type }
  end
end

run App.new
