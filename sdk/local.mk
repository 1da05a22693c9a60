tdincludedir = $(includedir)/td
tdinclude_HEADERS = sdk/include/td/abi.h sdk/include/td/param.h sdk/include/td/host.h sdk/include/td/op.h \
	sdk/include/td/nn.h sdk/include/td/kinds_base.h sdk/include/td/data.h sdk/include/td/kinds.h \
	sdk/include/td/pickle.h sdk/include/td/plugin.h sdk/include/td/td.h
