% read.m - prints every column of the datasets 't' in the files given, as Octave's load reads them: columns and
% matrices.

function show_column(file, name, values)
    if ischar(values)
        text = sprintf("%s ", strtrim(cellstr(values)){:});
    else
        text = sprintf("%.17g ", double(values));
    end
    printf("%s %s %s\n", file, name, strtrim(text));
end

for argument = argv()'
    file = argument{1};
    t = load("-hdf5", file).t;
    if isstruct(t)
        for name = fieldnames(t)'
            show_column(file, name{1}, t.(name{1}));
        end
    else
        if rows(t) == 3
            t = t';
        end
        names = {"pos", "x", "b"};
        for i = 1:3
            show_column(file, names{i}, t(:, i));
        end
    end
end
