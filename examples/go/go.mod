module example/model

go 1.19
