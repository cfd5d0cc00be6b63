"""What keeps a process that serves many at once going: room for what is large, loops that go on, outages told once."""
