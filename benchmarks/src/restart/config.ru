# frozen_string_literal: true

require "erb"
require "json"

# A shop whose pages take some ten milliseconds of a processor's time, and whose start
# takes what that of an application with many classes does: half a second of it.
class Shop
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
    begun = now
    @items = Array.new(20_000) do |number|
      Item.new("item #{number}", number * 7919 % 10_007, ["tag #{number % 97}", "tag #{number % 89}"])
    end
    page while now - begun < 0.5
  end

  def call(_env)
    headers = { "content-type" => "text/html", "cache-control" => "no-store", "x-process" => Process.pid.to_s }
    [200, headers, [page]]
  end

  private

  def page
    items = @items[rand(@items.length - 3_000), 3_000].sort_by { |item| [item.price, item.name] }
    PAGE.result_with_hash(items: items.first(1_000))
  end

  # Of this process, whoever else runs beside it.
  def now = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
end

run Shop.new
