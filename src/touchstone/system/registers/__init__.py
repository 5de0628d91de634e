"""Records that whoever builds and runs a system keeps: logs, drills, risks, flows, committee votes.

Many controls ask for what no test of a model can show: that an alarm was raised in time, that a flow of data has a
lawful basis, that a supplier can be replaced. A register is the machine-readable record of it, handed in with the
system and hashed like every file; a check counts what it says. What a register cannot show is that it is true.

One file for each kind of register says what one entry holds; `kinds` lists them; `reading` reads them as the hostile
input they are. A register knows no limit and draws no conclusion: that is for checks and the standard.
"""
