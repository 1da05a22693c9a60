dnl tdhost.m4: for plugins built outside tdhost's tree.
