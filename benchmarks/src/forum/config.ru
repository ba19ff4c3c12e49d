# A forum as Passenger's turbocache would have it: public pages that differ by the
# cookie `user_id`, each 10 ms of a processor's work. What it shows is the page of
# the real one, compressed, in `page.html.gz` beside this file. It goes to everybody
# so, and without `Vary`: that turbocache keeps nothing that has it.

PAGE = File.binread(File.join(__dir__, "page.html.gz")).freeze
RENDERING = 0.010

def processor_time
  Process.clock_gettime(Process::CLOCK_THREAD_CPUTIME_ID)
end

run lambda { |env|
  finish = processor_time + RENDERING
  nil while processor_time < finish
  if env["REQUEST_METHOD"] == "POST"
    [303, { "location" => env["PATH_INFO"].delete_suffix("/posts") }, []]
  else
    fields = { "content-type" => "text/html; charset=utf-8",
               "content-encoding" => "gzip",
               "cache-control" => "public, max-age=600" }
    [200, fields, [PAGE]]
  end
}
