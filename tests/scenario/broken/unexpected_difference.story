# fails: has two outcomes
story: A coordinator that says two things, and both ends are said to agree
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

hold every commit from care to east as truth
settle s1 100.00 of li at care
expect s1 PREPARED at east
lie: care tells east ABORT of s1
expect s1 ABORTED at east
let commit pass from care to east
release truth
expect alarm equivocation at east
end without care
