// Replaced by the front room.
