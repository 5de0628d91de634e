"""Which rows of a training set look planted, seen in the features of the model that learnt from them.

    vetted = Vetted((penultimate, middle), labels)       # clean samples, ten or more of each class
    rows = row_scores(vetted, (penultimate_of_rows, middle_of_rows), labels_of_rows)
    classes = class_excesses(rows.p, labels_of_rows, len(vetted))
    suspects = suspect_rows(rows.p, labels_of_rows, flagged_classes(classes))

With vetted samples there are p-values and a verdict. Without them :mod:`.ranking` puts rows in an order for people to
look at, which is no verdict. Wrong labels are another matter altogether.
"""
