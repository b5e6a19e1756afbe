"""What changes the world, carried out by one thread, journaled before and after."""
