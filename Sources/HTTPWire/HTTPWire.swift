// Replaced by the HTTP/1.1 room.
