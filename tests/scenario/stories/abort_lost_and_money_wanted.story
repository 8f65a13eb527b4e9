story: The ABORT does not get through and the payer's money is wanted elsewhere: what is in doubt is not given twice
given provinces care, home, east
given li of home with 30.00
given chen of east with 0.00
given wang of east with 500.00
given wang pays for li
given wang pays for chen

lose every abort from care to east
lose every vote from home to care
settle s1 500.00 of li at care
expect s1 refused HOME_UNREACHABLE
expect east holds 470.00
settle s2 400.00 of chen at east
expect s2 done
expect s2 paid by wang 30.00
let vote pass from home to care
let abort pass from care to east
expect first try of s1 ABORTED at east
expect wang can spend 470.00
