story: A recorded vote of an earlier life of a node is played again: refused and counted, nothing changes
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

record next vote from east to care as old
settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash east
wait 2s
restart east
expect east is open
wait 1s
replay old
expect event parcel_refused at care
expect s1 ENDED at care
settle s2 10.00 of li at care
expect s2 paid by wang 10.00
expect wang has 420.00
