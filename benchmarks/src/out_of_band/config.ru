# frozen_string_literal: true

require "erb"
require "json"
require_relative "../../../examples/apps/out-of-band/out_of_band_gc"

# Tells in a header for how long Ruby has collected within a request, and in
# the file that $RESTS names when the process collected between them.
class Meter
  def initialize(app) = @app = app

  def call(env)
    begun = now
    before = GC.total_time
    status, headers, body = @app.call(env)
    # By the server itself, whose collections are visitors' time as well.
    headers = headers.to_h.merge("x-gc-nanoseconds" => (GC.total_time - before).to_s)
    rest(begun) if env.key?("HTTP_!~OOB_WORK_TOKEN")
    [status, headers, body]
  end

  private

  def rest(begun) = File.write(ENV.fetch("RESTS"), "#{begun} #{now}\n", mode: "a")

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
end

# A shop that keeps its goods in memory, as many applications keep a lot of
# classes, routes and translations there: a million objects that every full
# collection has to visit. A page sorts some, and renders them twice. The rows
# of the latest pages are kept, which makes them old, and then garbage that only
# a full collection finds.
class Shop
  RECENT_PAGES = 20

  Item = Struct.new(:name, :price, :tags)

  PAGE = ERB.new(<<~HTML)
    <ul>
    <% items.each do |item| %>
      <li title="<%= ERB::Util.html_escape(item.name) %>"><%= item.tags.join(", ") %>: <%= item.price %></li>
    <% end %>
    </ul>
    <script><%= JSON.generate(items.map(&:to_h)) %></script>
  HTML

  def initialize
    @items = Array.new(200_000) do |number|
      Item.new(+"item #{number}", number * 7919 % 10_007, ["tag #{number % 97}", "tag #{number % 89}"])
    end
    @recent = []
  end

  def call(_env)
    items = @items[rand(@items.length - 4_000), 4_000].map(&:dup)
    items = items.sort_by { |item| [item.price, item.name.downcase] }
    @recent.push(items)
    @recent.shift if @recent.length > RECENT_PAGES
    items = items.first(2_000)
    page = PAGE.result_with_hash(items: items)
    [200, { "content-type" => "text/html", "cache-control" => "no-store" }, [page]]
  end
end

use Meter
use OutOfBandGC if ENV["OUT_OF_BAND"] == "yes"
run Shop.new
