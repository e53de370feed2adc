# read.R - prints every column of the datasets 't' in the files given, as rhdf5 reads them.
suppressMessages(library(rhdf5))

show_column <- function(file, name, values) {
    if (is.raw(values)) # what rhdf5 makes of u1
        values <- as.integer(values)
    text <- if (is.numeric(values)) sprintf("%.17g", as.numeric(values)) else as.character(values)
    cat(paste(c(file, name, text), collapse = " "), "\n", sep = "")
}

for (file in commandArgs(trailingOnly = TRUE)) {
    table <- h5read(file, "t", compoundAsDataFrame = TRUE)
    if (startsWith(file, "matrix")) { # R's first index runs fastest
        names <- c("pos", "x", "b")
        table <- setNames(lapply(1:3, function(i) table[i, ]), names)
    }
    for (name in names(table))
        show_column(file, name, table[[name]])
}
