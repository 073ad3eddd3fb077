// Replaced by the wire room.
