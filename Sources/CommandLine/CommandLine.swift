// Replaced by the command line room.
