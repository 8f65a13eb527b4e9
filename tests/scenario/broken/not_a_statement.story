# fails: no statement reads like this: settel s1
story: A word is misspelt
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settel s1 100.00 of li at care
expect s1 done
