# Takes the connection over where a client offers "echo": all bytes come back.

$open = 0

run lambda { |env|
  if env["HTTP_UPGRADE"] == "echo"
    socket = env["rack.hijack"].call
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
    $open += 1
    Thread.new do
      begin
        loop { socket.write(socket.readpartial(65536)) }
      rescue EOFError
        socket.write("that was all")
      rescue SystemCallError, IOError
        # The client left.
      ensure
        socket.close
        $open -= 1
      end
    end
    # Puma wants an answer, and does not look at it.
    return [200, {}, []]
  end
  page = env["PATH_INFO"] == "/open" ? $open : Process.pid
  [200, { "content-type" => "text/plain" }, [page.to_s]]
}
