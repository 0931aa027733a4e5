"""Where events come from: files of other systems, and the simulator."""
