story: A message is slipped into a parcel that somebody else has signed: its path does not lead to the signed root
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

hold every commit from care to east as truth
settle s1 100.00 of li at care
expect s1 done
expect s1 PREPARED at east
lie: care tells east ABORT of s1 with a broken path
expect event parcel_refused at east
for 500ms expect s1 PREPARED at east
let commit pass from care to east
release truth
expect s1 COMMITTED at east
expect wang has 430.00
