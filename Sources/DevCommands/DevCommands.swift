// Replaced by the command room.
