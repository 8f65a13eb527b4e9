story: A recorded COMMIT is played again in the same life of its sender: the message is refused, for it was heard before
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

record next commit from care to east as old
settle s1 100.00 of li at care
expect s1 done
expect everything decided
replay old
expect event parcel_refused at east
expect wang has 430.00
