// Replaced by the server room.
