host_sources += host/config/bind.h host/config/node.h host/config/object.h 
